"""Questions whose answers can be scored: ECG-QA as published, and questions like it from any labelled collection."""
