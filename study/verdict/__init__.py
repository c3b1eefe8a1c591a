"""The verdict: statistics as pure functions on arrays, without storage and without words.

differences [folds x repeats]
├── correlated   corrected resampled t, read as a test and as a posterior
│   ├── holm     adjusted p over a family of contrasts
│   ├── power    what could be seen, and what repeats or subjects would buy
│   └── rule     better, worse, equivalent or undecided
├── noise        its parts: seed, split, subjects
scores of trials [n]
├── budget       expected best of a number of trials
out-of-fold predictions
├── score        binary F1 and macro F1 from counts of subjects
├── bootstrap    intervals over whole subjects
└── bbc          best of an arm, with the selection paid for
errors           what cannot be tested, in one sentence each
"""
