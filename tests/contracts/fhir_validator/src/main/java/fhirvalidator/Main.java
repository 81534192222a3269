package fhirvalidator;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.ResultSeverityEnum;
import ca.uhn.fhir.validation.SingleValidationMessage;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.UnknownCodeSystemWarningValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.hl7.fhir.r4.model.Bundle;

import java.nio.file.Files;
import java.nio.file.Path;

/** Usage: Main finnish.json resource.json... ; prints every error, exit 1 when there is any. */
public class Main {
	public static void main(String[] files) throws Exception {
		FhirContext r4 = FhirContext.forR4();
		// what the Finnish guides add to the code systems of R4
		PrePopulatedValidationSupport finnish = new PrePopulatedValidationSupport(r4);
		r4.newJsonParser().parseResource(Bundle.class, Files.readString(Path.of(files[0])))
				.getEntry().forEach(entry -> finnish.addResource(entry.getResource()));
		// a code system that is not at hand (a county's, an outside terminology's) is a warning
		UnknownCodeSystemWarningValidationSupport unknown = new UnknownCodeSystemWarningValidationSupport(r4);
		unknown.setNonExistentCodeSystemSeverity(IValidationSupport.IssueSeverity.WARNING);
		FhirInstanceValidator rules = new FhirInstanceValidator(new ValidationSupportChain(
				finnish,
				new DefaultProfileValidationSupport(r4),
				new CommonCodeSystemsTerminologyService(r4),
				new InMemoryTerminologyServerValidationSupport(r4),
				unknown));
		rules.setAnyExtensionsAllowed(true);
		rules.setErrorForUnknownProfiles(true);
		FhirValidator validator = r4.newValidator().registerValidatorModule(rules);

		boolean bad = false;
		for (int i = 1; i < files.length; i++) {
			int errors = 0;
			for (SingleValidationMessage said : validator.validateWithResult(Files.readString(Path.of(files[i]))).getMessages()) {
				if (said.getSeverity().ordinal() < ResultSeverityEnum.ERROR.ordinal()) continue;
				errors++;
				System.out.println(said.getLocationString() + " (line " + said.getLocationLine() + "): " + said.getMessage());
			}
			bad |= errors > 0;
			System.out.println(files[i] + ": " + errors + " errors");
		}
		System.exit(bad ? 1 : 0);
	}
}
