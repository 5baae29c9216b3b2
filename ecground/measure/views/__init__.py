"""Measurements in other forms: JSON, Parquet, text, the names of PTB-XL+, and GEM's per-beat sequences."""
