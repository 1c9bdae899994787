"""Local modules travel with the jobs that need them (DESIGN D13).

    references (of pickles)  what a function and its arguments name and import
    origin                   where a module comes from: local, installed, or of the standard library
    imports                  what a source file imports
    reach                    all local modules that follow from some names
    contents, tree           their files: whole top-level packages, by content
    ledger                   what this program needs so far, and when that has to be looked at again
    transfer                 the code version on its way to a `JobApi`
    explain                  what would be sent, for people

What is sent of a module that is loaded is what its file held when cloud first saw the module loaded: editing the file
changes nothing until the module is reloaded, here as for the jobs. Of all other files it is what they hold at the
submission.
"""
