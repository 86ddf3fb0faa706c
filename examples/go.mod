module github.com/amsbridge/amsbridge/examples

go 1.26.0

require (
	github.com/amsbridge/amsbridge v0.0.0-00010101000000-000000000000
	github.com/gorilla/mux v1.8.1
	github.com/jackc/pgx/v5 v5.12.0
	github.com/stretchr/testify v1.12.1
	modernc.org/sqlite v1.60.1
)

replace github.com/amsbridge/amsbridge => ../
