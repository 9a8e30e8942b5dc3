"""Screening: questions that support a trained person's judgement but never judge on their own."""
