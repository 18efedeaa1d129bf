# After the report: add, change, cancel, rate
photos-most = We keep your first 10 pictures; those beyond are not kept. You can add more to the report later.
