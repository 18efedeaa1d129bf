"""What a resident's words are about: lexicon and linear model joined, with how sure each guess is."""
