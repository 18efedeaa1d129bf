# News and followed areas
consent-news =
    The municipality also sends its news (such as water cut off, roads closed) to those whom it warns.
    • Stop the news at any time: flood warnings come all the same.
news-on = You get the municipality's news. To stop, write "stop news".
news-off = You get no news from the municipality. Flood warnings come all the same. To get news again, write "start news".
area-choose = Choose an area to be warned about as well, or write "follow area" and the community's name.
area-none = You follow no area beside your homes.
area-following = You follow: { $areas }
area-stop = Tap the area that you want to follow no more.
area-full = You can follow { $limit } areas. Tap one that you want to follow no more.
