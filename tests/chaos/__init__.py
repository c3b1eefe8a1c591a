"""Whole studies in real processes, and what is done to them meanwhile: nothing may be lost."""
