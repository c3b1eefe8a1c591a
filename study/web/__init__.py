"""Serving a study over HTTP."""
