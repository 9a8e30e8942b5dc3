"""Input from outside: the anonymous line, forms and other systems, emergency access.

Contents: the line (receipts, threads, the desk), intake (forms, records of other systems), break-glass. A reporter has
no account: the receipt is the only key. This package does not know channels or webhooks. Begin with `line/` and
`breakglass/service.py`.
"""
