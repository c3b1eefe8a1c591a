"""Simulated studies whose truth is known, judged by the code that judges real ones.

generators   draws of studies: correlated folds, or subjects
fixed_plan   what a plan of so many repeats says of a draw
raced        what a race says of it, and what it costs
simulate     many studies, in several processes
musts        what the figures must reach
report       figures as Markdown
"""
