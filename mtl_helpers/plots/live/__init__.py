"""Pictures that live widgets show and draw anew: a run that goes on, arrows that are dragged, a drive, paired runs, labels."""
