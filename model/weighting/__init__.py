"""Weighting schemes: how four losses become one.

One file a scheme behind `base.Weighting`; `registry` knows them by name;
`mixed` lets one stack hold several. Importing this package imports no torch.
"""
