"""The parts of an agent's runtime: its zip, the bucket with it, its VPC."""
