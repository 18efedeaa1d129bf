"""stub"""
def spread_people(session): pass
