"""The same training as one would write it without stacks: one model, one fold, one loader."""
