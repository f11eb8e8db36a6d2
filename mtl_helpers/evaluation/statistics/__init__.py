"""What repeated runs say: intervals, paired changes, the power to see a change, and families of comparisons."""
