#!/usr/bin/env bash
# Train the delineation network that ships in ecground/weights, on one core in about half an hour, and put it in place.
# Stopped at any moment, the same command goes on where it was.
#
#   runs/delineation.sh DATA OUT     DATA: folder with ludb/, ptbxl/ and splits.csv; OUT: checkpoints, log, ONNX file
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python="${PYTHON:-.venv/bin/python}"

"$python" -m ecground.train.delineate --data "$1" --out "$2"
cp "$2/delineation.onnx" "$2/manifest.json" ecground/weights/
"$python" benchmarks/delineation.py --only ludb
