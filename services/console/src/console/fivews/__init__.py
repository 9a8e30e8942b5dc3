"""Import of 5W files in other layouts: proposed, completed and confirmed mappings."""
