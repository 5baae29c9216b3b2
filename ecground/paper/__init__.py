"""Record -> `Page`: ECG paper with the truth of every pixel, and what scanners and cameras do to it."""
