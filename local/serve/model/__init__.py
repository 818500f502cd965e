"""Bedrock's Converse API with a scripted model."""
