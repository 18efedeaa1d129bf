# Pages that do not exist
lost-title = There is no such page
lost-what = Nothing stands at this address. Check it, or go on to one of these pages.
lost-water = The water in the city
lost-reports = What was reported
lost-report = Report a problem
