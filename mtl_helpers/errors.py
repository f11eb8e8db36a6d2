"""The error of everything that is given to the course: data, and numbers that cannot be meant."""


class DataError(ValueError):
    """Something is wrong with the data; the message names the row, the column and what to do."""
