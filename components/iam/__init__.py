"""Roles and every IAM document that the components write."""
