"""The stand-in control plane: what AWS checks of each resource and gives back. Knows no Pulumi engine or SDK."""
