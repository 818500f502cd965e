"""The tools that a model can be offered. This file imports nothing: the local deployment reads the table beside it."""
