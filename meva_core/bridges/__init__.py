"""Bridges to other libraries: each is one module, and imports an optional library only if it needs one."""
