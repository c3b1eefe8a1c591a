"""The verdict on real trainings whose truth is known.

comparisons  what is compared, and with which subjects and seeds
trained      trains the two sides of a comparison
runner       many comparisons in several processes; goes on where it was interrupted
judged       what the statistics say of a comparison, and of all A/A pairs together
command      flags
report       figures as Markdown
"""
