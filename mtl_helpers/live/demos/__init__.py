"""The live demos of the lessons, a file each."""
