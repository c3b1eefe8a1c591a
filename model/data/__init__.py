"""Recordings on their way to the network: read, checked, turned into features, batched."""
