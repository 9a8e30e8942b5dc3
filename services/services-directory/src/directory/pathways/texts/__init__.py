"""Texts about pathways and plans, in Spanish and English: findings, reasons, refusals and hours."""
