"""The network: flat parameters with named slots, layers, and the Squeezeformer."""
