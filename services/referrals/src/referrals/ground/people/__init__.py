"""The rights that people and clients have now, as the issuer says them: asked when nobody's token is there to ask."""
