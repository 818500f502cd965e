"""Callers with tokens: what an authorizer makes of claims."""
