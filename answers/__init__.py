"""What the city knows and what it has to be asked: articles, answers, questions to officers."""
