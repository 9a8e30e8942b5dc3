"""Screening: questions that support a trained person's judgement and never judge by themselves."""
