"""Any table: read, cleaned, split, and its columns as numbers."""
