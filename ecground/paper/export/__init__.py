"""Pages and their truth as files: our own JSON and PNG masks, COCO, YOLO, and the JSON of ecg-image-kit."""
