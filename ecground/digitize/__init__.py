"""Image -> Record + confidence: find the page, its grid and layout, read the traces back into millivolt."""
