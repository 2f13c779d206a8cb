"""The identity provider whose tokens the API accepts, such as Supabase."""
