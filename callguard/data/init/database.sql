-- database.sql - two roles and a database, for a superuser of Postgres. It holds passwords: delete it afterwards, or
-- keep it where only the owner's password is needed again, for the next `callguard db upgrade`.

CREATE ROLE callguard_owner LOGIN PASSWORD '${owner_password}';
CREATE ROLE callguard_app LOGIN PASSWORD '${app_password}';
CREATE DATABASE callguard OWNER callguard_owner;
