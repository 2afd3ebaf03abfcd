# placeholder until src/db brings it
