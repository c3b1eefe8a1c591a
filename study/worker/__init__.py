"""The process that trains, and the coordinator's end of it."""
