"""What may be written for SQL Server.

Not here: OPENROWSET and its like, functions of metadata and of the session, NEXT VALUE FOR. No table hint that locks.
"""

from __future__ import annotations

from buster_tasks.sql_guard.dialect import Dialect, words

FUNCTIONS = words("""
abs acos approx_count_distinct approx_percentile_cont approx_percentile_disc ascii asin atan atn2 avg base64_decode
base64_encode binary_checksum bit_count cast ceiling char charindex checksum checksum_agg choose coalesce
collationproperty compress concat concat_ws contains containstable convert cos cot count count_big cume_dist
current_date current_timestamp current_timezone date_bucket dateadd datediff datediff_big datefromparts datename
datepart datetime2fromparts datetimefromparts datetimeoffsetfromparts datetrunc day decompress degrees dense_rank
difference edit_distance edit_distance_similarity eomonth exp first_value floor format formatmessage freetext
freetexttable generate_series get_bit getdate getutcdate greatest grouping grouping_id hashbytes iif isdate isjson
isnull isnumeric jaro_winkler_distance jaro_winkler_similarity json_array json_arrayagg json_contains json_modify
json_object json_objectagg json_path_exists json_query json_value lag last_value lead least left left_shift len log
log10 lower ltrim max min month nchar newid ntile nullif openjson parse parsename patindex percent_rank
percentile_cont percentile_disc pi power product quotename radians rand rank regexp_count regexp_instr regexp_like
regexp_matches regexp_replace regexp_split_to_table regexp_substr replace replicate reverse right right_shift round
row_number rtrim set_bit sign sin smalldatetimefromparts soundex space sql_variant_property sqrt square stdev stdevp
str string_agg string_escape string_split stuff substring sum switchoffset sysdatetime sysdatetimeoffset
sysutcdatetime tan tertiary_weights timefromparts todatetimeoffset translate trim try_cast try_convert try_parse
unicode unistr upper var varp vector_distance vector_norm vector_normalize width_bucket year
""")  # fmt: skip

DIALECT = Dialect(
    name="tsql",
    functions=FUNCTIONS,
    methods=words("""
bufferwithtolerance envelopeangle envelopecenter exist getancestor getdescendant getlevel getreparentedvalue getroot
isdescendantof makevalid nodes numrings parse point query reduce ringn starea stasbinary stasgml stastext stboundary
stbuffer stcentroid stcontains stconvexhull stcrosses stcurven stdifference stdimension stdisjoint stdistance
stendpoint stenvelope stequals stexteriorring stgeometryn stgeometrytype stgeomfromtext stinteriorringn stintersection
stintersects stisclosed stisempty stisring stissimple stisvalid stlength stlinefromtext stnumcurves stnumgeometries
stnuminteriorring stnumpoints stoverlaps stpointfromtext stpointn stpointonsurface stpolyfromtext strelate stsrid
ststartpoint stsymdifference sttouches stunion stwithin stx sty tostring value
"""),
    niladic=words("current_user session_user system_user user"),
    reserved=words("""
ADD ALTER BACKUP BEGIN BREAK BULK CHECKPOINT CLOSE COMMIT CONTINUE CREATE DBCC DEALLOCATE DECLARE DELETE DENY DISK
DROP DUMP ELSE END EXEC EXECUTE EXIT FETCH GO GOTO GRANT IF INSERT INTO KILL LINENO LOAD MERGE OPEN PRINT PROC
PROCEDURE RAISERROR READTEXT RECONFIGURE RESTORE RETURN REVERT REVOKE ROLLBACK SAVE SET SETUSER SHUTDOWN THROW TRAN
TRANSACTION TRIGGER TRUNCATE UPDATE UPDATETEXT USE WAITFOR WHILE WRITETEXT
"""),
    hints=words("""
CONCAT FAST FORCE FORCESCAN FORCESEEK HASH INDEX KEEP LABEL LOOP MAXDOP MAXRECURSION MERGE NOEXPAND NOLOCK OPTIMIZE
ORDER READCOMMITTED READPAST READUNCOMMITTED RECOMPILE ROBUST SNAPSHOT
""")
    | {
        "CONCAT UNION", "FORCE ORDER", "HASH GROUP", "HASH JOIN", "HASH UNION", "KEEP PLAN", "KEEPFIXED PLAN",
        "LOOP JOIN", "MERGE JOIN", "MERGE UNION", "OPTIMIZE FOR UNKNOWN", "ORDER GROUP", "ROBUST PLAN",
    },
    hidden_schemas=words("master model msdb resource sys tempdb cdc"),
    hidden_prefixes=("#",),
    hidden_relations=words("""
sysaltfiles syscacheobjects syscharsets syscolumns syscomments sysconfigures sysconstraints syscurconfigs sysdatabases
sysdepends sysdevices sysfilegroups sysfiles sysforeignkeys sysfulltextcatalogs sysindexes sysindexkeys syslanguages
syslockinfo syslogins sysmembers sysmessages sysobjects sysoledbusers sysopentapes sysperfinfo syspermissions
sysprocesses sysprotects sysreferences sysremotelogins syssegments sysservers systypes sysusers
"""),
    first_words=words("SELECT WITH"),
)  # fmt: skip
