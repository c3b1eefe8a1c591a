"""Writes folders shaped like Kaggle's "CMI - Detect Behavior with Sensor Data".

people and protocol say who does what; motion and sensors say what the device
records of it; writer puts that into CSV files, sequence after sequence.
"""

from __future__ import annotations

from model.data.synthetic.writer import write_folder

__all__ = ["write_folder"]
