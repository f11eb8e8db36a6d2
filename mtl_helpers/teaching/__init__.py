"""The teaching kit, made from the lessons as they are stored: a site, slides, handouts that grade themselves, an app."""
