"""Side-by-side measurements against what a competent user would write instead."""
