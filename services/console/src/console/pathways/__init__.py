"""Pathways: their steps as a list and a graph, what a draft would change, and who publishes it."""
