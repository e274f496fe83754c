"""Two projects in one database: nobody of the one ever meets anything of the other."""
