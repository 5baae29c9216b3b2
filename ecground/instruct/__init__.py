"""Records, pages and findings -> conversations whose every claim carries what it rests on."""
