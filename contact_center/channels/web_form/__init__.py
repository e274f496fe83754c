"""Web forms: a form on our own address or inside another site, and a private page for everybody who used it."""
