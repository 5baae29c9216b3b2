#!/usr/bin/env bash
# Train the page-reading network that ships in ecground/weights, on two cores (training and drawing of pages) in about
# an hour and a half, and put it in place. Stopped at any moment, the same command goes on where it was.
#
#   runs/segmentation.sh DATA FONTS OUT     DATA: folder with ptbxl/, ludb/ and splits.csv; FONTS: folder of TrueType
#                                           fonts (docs/models/segmentation.md names them); OUT: checkpoints, log, ONNX
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python="${PYTHON:-.venv/bin/python}"

"$python" -m ecground.train.segment --data "$1" --fonts "$2" --out "$3"
cp "$3/segmentation.onnx" "$3/manifest.json" ecground/weights/
"$python" -m ecground.train.segment_score --data "$1" --fonts "$2"
